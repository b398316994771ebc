"""From EEG to BOLD: the couplings that simulations use."""
