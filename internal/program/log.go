package program

import (
	"flag"
	"fmt"
	"io"
	"log/slog"
)

const (
	formatJSON = "json"
	formatText = "text"
)

// Log is how the log of a program is written. Its zero value writes JSON, from INFO on.
type Log struct {
	// Level is the least level that is written.
	Level slog.Level
	// Format is json or text; json when empty.
	Format string
}

// AddFlags adds the flags that set it.
func (l *Log) AddFlags(flags *flag.FlagSet) {
	flags.TextVar(&l.Level, "log-level", slog.LevelInfo, "DEBUG, INFO, WARN or ERROR")
	flags.StringVar(&l.Format, "log-format", formatJSON, "json or text")
}

// Validate says what is wrong with what the flags have set.
func (l *Log) Validate() error {
	if l.Format != formatJSON && l.Format != formatText {
		return fmt.Errorf("--log-format must be json or text, not %q", l.Format)
	}
	return nil
}

// Handler writes the log to out.
func (l *Log) Handler(out io.Writer) slog.Handler {
	options := &slog.HandlerOptions{Level: l.Level}
	if l.Format == formatText {
		return slog.NewTextHandler(out, options)
	}
	return slog.NewJSONHandler(out, options)
}
