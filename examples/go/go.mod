module github.com/pcrseal/pcrseal/examples/go

go 1.19

require github.com/pcrseal/pcrseal/go v0.0.0

replace github.com/pcrseal/pcrseal/go => ../../go
