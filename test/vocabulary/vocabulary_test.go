// Package vocabulary keeps the project to the words of its field: what RFC 7644,
// Kubernetes or raft has a word for is not called otherwise. The glossary in
// CONTRIBUTING.md says what each word means. Only the names of things in Go are looked at;
// a sentence may have any word in it.
package vocabulary

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

// words are refused wherever they are a part of a name.
var words = map[string]string{
	"farewell":  "leave",
	"feed":      "reflector",
	"freeze":    "compact",
	"frozen":    "compact",
	"heft":      "fold cost",
	"mirror":    "cache",
	"mirrors":   "caches",
	"owed":      "pending",
	"stranger":  "unauthenticated, or foreign",
	"strangers": "unauthenticated, or foreign",
	"thaw":      "expand",
	"told":      "acknowledged, reported or recorded",
	"trap":      "the subject of the case",
	"welcome":   "handshake",
}

// names are refused as a whole: parts of them are words like any other.
var names = map[string]string{
	"Await":  "ReadIndex",
	"InStep": "Synced",
	"inStep": "synced",
	"give":   "release",
	"take":   "acquire",
	"tell":   "report or record",
}

// word is a word of a name in camel case.
var word = regexp.MustCompile(`[A-Z]?[a-z]+|[A-Z]+`)

// refused returns the word of a name that the field has another one for, and that one;
// nothing when the name is fine.
func refused(name string) (found, instead string) {
	if instead, ok := names[name]; ok {
		return name, instead
	}
	for _, part := range word.FindAllString(name, -1) {
		if instead, ok := words[strings.ToLower(part)]; ok {
			return part, instead
		}
	}
	return "", ""
}

func TestNamesAreOfTheField(t *testing.T) {
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && strings.HasPrefix(entry.Name(), "."):
			return filepath.SkipDir
		case entry.IsDir() || filepath.Ext(path) != ".go":
			return nil
		}
		return look(t, path)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// look complains of the names that a file declares. What it only uses is declared
// elsewhere.
func look(t *testing.T, path string) error {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, 0)
	if err != nil {
		return err
	}
	ast.Inspect(file, func(node ast.Node) bool {
		for _, name := range declared(node) {
			// The name of a test is a sentence, but for what it calls its subject.
			if strings.HasPrefix(name.Name, "Test") && !strings.Contains(name.Name, "Trap") {
				continue
			}
			if found, instead := refused(name.Name); found != "" {
				t.Errorf("%s: %s: the field's word for %q is %s", files.Position(name.Pos()), name.Name, found, instead)
			}
		}
		return true
	})
	return nil
}

// declared returns the names that a node declares.
func declared(node ast.Node) []*ast.Ident {
	switch n := node.(type) {
	case *ast.FuncDecl:
		return []*ast.Ident{n.Name}
	case *ast.TypeSpec:
		return []*ast.Ident{n.Name}
	case *ast.ValueSpec:
		return n.Names
	case *ast.Field:
		return n.Names
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			return nil
		}
		var defined []*ast.Ident
		for _, left := range n.Lhs {
			if name, ok := left.(*ast.Ident); ok {
				defined = append(defined, name)
			}
		}
		return defined
	default:
		return nil
	}
}

func TestRefused(t *testing.T) {
	for name, want := range map[string]string{
		"newMirror": "mirror", "FrozenUser": "Frozen", "trap_patch": "trap", "take": "take", "Await": "Await",
		"takeNext": "", "feedback": "", "Intake": "", "": "",
	} {
		if found, _ := refused(name); !strings.EqualFold(found, want) {
			t.Errorf("in %q, %q is refused, and not %q", name, found, want)
		}
	}
}
