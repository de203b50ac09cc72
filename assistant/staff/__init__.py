"""Staff: who may change what 小沪 knows, and the record of what they did."""
