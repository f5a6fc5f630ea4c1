"""The prompt bar: what to do, in words and by examples, and the advanced options."""
