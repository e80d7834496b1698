module github.com/pcrseal/pcrseal/go

go 1.19
