package cms

// Versions remembers which version of a path each reader was served, so that a
// client that does not name its base cannot overwrite what it never saw.
type Versions struct{}
