package key

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// checkTokenFile says what is wrong with the name of a file for a token.
func checkTokenFile(path string) error {
	if path == "-" {
		return errors.New("--token-file must name a file: what is printed ends in logs")
	}
	return nil
}

// writeToken writes a token, and no line end, into a new file that only its owner can
// read. A file or a link that is there is left as it is. A file that cannot be written
// whole is removed.
func writeToken(path, token string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // The user says which file.
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already, and is not overwritten: name another file with --token-file", path)
	}
	if err != nil {
		return fmt.Errorf("making a file for the token: %w", err)
	}
	_, err = io.WriteString(file, token)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(fmt.Errorf("writing the token: %w", err), os.Remove(path))
	}
	return nil
}
