"""Lists of subscribers as CSV files: import from any program, and export.

An import decodes a file (`encodings`), reads its rows (`reading`), determines what each column
holds (`columns`, with `consent` and `services`), and only then writes (`importing`). `words.toml`
has the headings and values of lists in common languages, `services.toml` the exports of mail
services.
"""
