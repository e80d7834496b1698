//! pcrseal
