package accesslog

// Known returns of how many classes of requests a log keeps what their lines have in common.
func Known(l *Log) int { return len(l.outcomes.known) }
