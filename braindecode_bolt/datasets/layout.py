"""What a folder of recordings looks like; imports nothing, so that help is fast."""

__all__ = ["LAYOUT"]

#: Layout of a folder of recordings, shown with the command line's help.
LAYOUT = """\
A folder of recordings (at any depth) holds for each run
  sub-<label>[_ses-<label>][_task-<label>][_run-<label>]_eeg.<edf|set|vhdr|fif|...>
      EEG in any format that MNE reads
  ..._bold.tsv or ..._bold.csv
      BOLD, a row per volume, a column per region, names in the first row
      (not needed where the EEG's annotations carry the BOLD); a column "volume",
      counted from 0, where some volumes have no row
  ..._bold.json
      may hold the RepetitionTime in seconds
  ..._volumes.tsv or ..._volumes.csv
      onset of each volume in seconds from the start of the EEG, in the column
      "onset" (not needed where the EEG has volume markers)
with the same name up to _eeg. EEG files of other names, such as p01_1.vhdr, can be
read with a pattern that says what their names mean, (?P<subject>p[0-9]+)_(?P<run>.*);
the tables beside are then p01_1_bold.tsv and p01_1_volumes.tsv."""
