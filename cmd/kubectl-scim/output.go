package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"sigs.k8s.io/yaml"
)

// Forms of a manifest.
const (
	formatYAML = "yaml"
	formatJSON = "json"
)

// printer returns what prints a manifest in a form.
func printer(format string) (func(io.Writer, any) error, error) {
	switch format {
	case formatYAML:
		return printYAML, nil
	case formatJSON:
		return printJSON, nil
	default:
		return nil, fmt.Errorf("--output=%q is none of the forms that there are: use yaml or json", format)
	}
}

func printYAML(out io.Writer, manifest any) error {
	text, err := yaml.Marshal(manifest)
	if err == nil {
		_, err = out.Write(text)
	}
	return err
}

func printJSON(out io.Writer, manifest any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "    ")
	return encoder.Encode(manifest)
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
