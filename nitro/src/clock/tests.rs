#[cfg(test)] fn x(){}
