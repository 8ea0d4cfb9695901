// Package audit reads the API server's audit log: who asked for what between two moments. It only reads.
package audit

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/kubescim/kubescim/hack/bench/internal/result"
)

// Request is a request that has ended, as far as it matters here (audit.k8s.io/v1, Event).
type Request struct {
	Verb string `json:"verb"`
	User struct {
		Username string `json:"username"`
	} `json:"user"`
	Object struct {
		Resource    string `json:"resource"`
		Subresource string `json:"subresource"`
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
	} `json:"objectRef"`
}

// Log is an audit log that is being written. Each request is in it once, when it has ended.
type Log struct{ path string }

// Open looks whether the log is there.
func Open(path string) (*Log, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the audit log of the API server: %w", err)
	}
	return &Log{path: path}, file.Close()
}

// Mark is the end of the log at this moment.
func (l *Log) Mark() (int64, error) {
	info, err := os.Stat(l.path)
	if err != nil {
		return 0, fmt.Errorf("looking how long the audit log is: %w", err)
	}
	return info.Size(), nil
}

// Since returns what was written since a mark. It fails if another file was begun meanwhile.
func (l *Log) Since(mark int64) ([]Request, error) {
	file, err := os.Open(l.path)
	if err != nil {
		return nil, fmt.Errorf("opening the audit log of the API server: %w", err)
	}
	defer func() { _ = file.Close() }()
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("reading the audit log: %w", err)
	}
	if size < mark {
		return nil, errors.New("the API server has begun another audit log meanwhile; measure again")
	}
	return parse(io.NewSectionReader(file, mark, size-mark))
}

// longestLine bounds a line of the log, in bytes. At level Metadata, lines are of a kilobyte or two.
const longestLine = 1 << 20

// parse reads lines of a log. The last one may not have been written to its end.
func parse(text io.Reader) ([]Request, error) {
	var requests []Request
	reader := bufio.NewReaderSize(text, longestLine)
	for {
		line, err := reader.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			return requests, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the audit log: %w", err)
		}
		var request Request
		if err := json.Unmarshal(line, &request); err != nil {
			return nil, fmt.Errorf("reading a line of the audit log: %w", err)
		}
		requests = append(requests, request)
	}
}

// Writes reports whether a request was for something to be stored. Reviews and tokens are created, and stored nowhere.
func (r Request) Writes() bool {
	switch r.Verb {
	case "create", "update", "patch", "delete", "deletecollection":
		return !strings.HasSuffix(r.Object.Resource, "reviews") && r.Object.Subresource != "token"
	default:
		return false
	}
}

// what names a request by its verb and its resource.
func (r Request) what() string {
	resource := r.Object.Resource
	if r.Object.Subresource != "" {
		resource += "/" + r.Object.Subresource
	}
	return r.Verb + " " + resource
}

// Programs tells who made a request, by the namespace of its ServiceAccount.
type Programs struct {
	// Operator is the namespace of the operator.
	Operator string
	// Servers is that of the server pods that are measured.
	Servers string
}

// Prefixes of the names of users (kubernetes.io/docs/reference/access-authn-authz).
const (
	serviceAccount = "system:serviceaccount:"
	node           = "system:node:"
)

// Who names the program that made a request.
func (p Programs) Who(r Request) string {
	user := r.User.Username
	if account, is := strings.CutPrefix(user, serviceAccount); is {
		switch namespace, _, _ := strings.Cut(account, ":"); namespace {
		case p.Operator:
			return result.Operator
		case p.Servers:
			return result.Servers
		case "kube-system":
			return result.Controllers
		default:
			return result.Others
		}
	}
	switch {
	case strings.HasPrefix(user, node):
		return result.Kubelet
	case user == "system:kube-controller-manager":
		return result.Controllers
	default:
		return result.Others
	}
}

// Count counts requests by who made them.
func (p Programs) Count(requests []Request) []result.Requests {
	var counts []result.Requests
	for _, who := range result.Programs {
		count := result.Requests{Who: who, Writes: map[string]int{}}
		for _, r := range requests {
			if p.Who(r) != who {
				continue
			}
			count.Requests++
			if r.Writes() {
				count.Writes[r.what()]++
			}
		}
		counts = append(counts, count)
	}
	return counts
}
