"""Tables of any kind as people have them: text, workbooks, Parquet, lines of JSON."""
