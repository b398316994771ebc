"""Units: MNE objects hold volts, windows and networks microvolts."""

__all__ = ["MICROVOLTS"]

#: Microvolts in a volt.
MICROVOLTS = 1e6
