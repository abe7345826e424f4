"""A timeline as it was written becomes a `Record`: requests in columns, facts in order. Nothing is concluded here."""
