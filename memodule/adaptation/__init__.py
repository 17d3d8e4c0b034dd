"""Networks that go on learning from your own recordings, by movements injected into them; no labels are needed."""
