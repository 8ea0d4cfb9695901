package bulk_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/bulk"
	"github.com/kubescim/kubescim/internal/scim/internal/scimtest"
)

// bulkRun parses operations and carries them out with do.
func bulkRun(t *testing.T, operations string, do func(bulk.Operation) bulk.Result) (order []string, response string) {
	t.Helper()
	request, err := bulk.Parse([]byte(`{"schemas":["`+bulk.URNRequest+`"],"Operations":[`+operations+`]}`), 10, scimtest.Strict)
	if err != nil {
		t.Fatal(err)
	}
	run := bulk.NewRun(request)
	for range 50 {
		index, operation, ok := run.Next()
		if !ok {
			return order, string(run.Response())
		}
		order = append(order, operation.Method+" "+operation.Path+" "+string(operation.Data))
		run.Done(index, do(operation))
	}
	t.Fatal("the run does not end")
	return nil, ""
}

// creating answers each POST with the next id and all else with 200.
func creating() func(bulk.Operation) bulk.Result {
	made := 0
	return func(o bulk.Operation) bulk.Result {
		if o.Method != http.MethodPost {
			return bulk.Result{Status: http.StatusOK}
		}
		made++
		return bulk.Result{Status: http.StatusCreated, ID: strings.Repeat("i", made)}
	}
}

func TestBulkRunResolvesReferences(t *testing.T) {
	for name, c := range map[string]struct {
		operations string
		order      []string
	}{
		"backwards": {
			`{"method":"POST","path":"/Users","bulkId":"a","data":{"x":1}},{"method":"PATCH","path":"/Users/bulkId:a","data":{"y":"bulkId:a"}}`,
			[]string{`POST /Users {"x":1}`, `PATCH /Users/i {"y":"i"}`},
		},
		"forwards": {
			`{"method":"POST","path":"/Groups","bulkId":"g","data":{"m":[{"value":"bulkId:u"}]}},{"method":"POST","path":"/Users","bulkId":"u","data":{}}`,
			[]string{`POST /Users {}`, `POST /Groups {"m":[{"value":"i"}]}`},
		},
		"to itself": {
			`{"method":"POST","path":"/Users","bulkId":"u","data":{"n":"x","manager":{"value":"bulkId:u"}}}`,
			[]string{`POST /Users {"n":"x"}`, `PATCH /Users/i {"Operations":[{"op":"add","value":{"manager":{"value":"i"}}}],"schemas":["` + scim.URNPatchOp + `"]}`},
		},
		"in a circle": {
			`{"method":"POST","path":"/Users","bulkId":"a","data":{"m":"bulkId:b"}},{"method":"POST","path":"/Users","bulkId":"b","data":{"m":"bulkId:a"}}`,
			[]string{`POST /Users {}`, `POST /Users {"m":"i"}`, `PATCH /Users/i {"Operations":[{"op":"add","value":{"m":"ii"}}],"schemas":["` + scim.URNPatchOp + `"]}`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			order, response := bulkRun(t, c.operations, creating())
			if strings.Join(order, "\n") != strings.Join(c.order, "\n") {
				t.Errorf("carried out\n%s\nand not\n%s", strings.Join(order, "\n"), strings.Join(c.order, "\n"))
			}
			if strings.Contains(response, `"status":"4`) {
				t.Errorf("something failed: %s", response)
			}
		})
	}
}

func TestBulkRunFailsWhatNeverWillBe(t *testing.T) {
	failing := func(bulk.Operation) bulk.Result { return bulk.Result{Status: http.StatusBadRequest} }
	for name, operations := range map[string]string{
		"a reference without an id":   `{"method":"POST","path":"/Users","data":{}},{"method":"PATCH","path":"/Users/1","data":{"m":"bulkId:"}}`,
		"a reference to nothing":      `{"method":"PATCH","path":"/Users/bulkId:x","data":{}}`,
		"a reference to a failure":    `{"method":"POST","path":"/Users","bulkId":"a","data":{}},{"method":"POST","path":"/Users","bulkId":"b","data":{"m":"bulkId:a"}}`,
		"a chain to nothing":          `{"method":"POST","path":"/Users","bulkId":"a","data":{"m":"bulkId:b"}},{"method":"POST","path":"/Users","bulkId":"b","data":{"m":"bulkId:x"}}`,
		"a circle in which one fails": `{"method":"POST","path":"/Users","bulkId":"a","data":{"m":"bulkId:b"}},{"method":"POST","path":"/Users","bulkId":"b","data":{"m":"bulkId:a"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, response := bulkRun(t, operations, failing)
			if strings.Contains(response, `"status":"2`) || !strings.Contains(response, `"status":"409"`) {
				t.Errorf("the answer is %s", response)
			}
		})
	}
}

// What is wrong with one operation fails that one, and what refers to it.
func TestBulkOperationsFailAlone(t *testing.T) {
	const good = `{"method":"POST","path":"/Users","bulkId":"good","data":{"x":1}}`
	for operation, scimType := range map[string]string{
		`{"method":"POST","path":"/Users","bulkId":1,"data":{}}`:     "invalidSyntax",
		`{"method":"PATCH","path":"/Users/1","version":7,"data":{}}`: "invalidSyntax",
		`{"method":["POST"],"path":"/Users","bulkId":"b","data":{}}`: "invalidSyntax",
		`{"method":"DELETE","path":{}}`:                              "invalidSyntax",
		`{"method":"POST","path":"/Users","bulkId":"b","data":null}`: "invalidSyntax",
		`{"method":"POST","path":"/Users","bulkId":"b"}`:             "invalidSyntax",
		`{"method":"POST","path":"/Users","data":{}}`:                "invalidValue",
		`{}`: "invalidValue",
		`{"method":"PUT","path":"/Users/1","bulkId":"b","data":"bulkId:c"}`:        "",
		`{"method":"PUT","path":"/Users/1","bulkId":"b","data":{},"version":null}`: "none",
	} {
		order, response := bulkRun(t, operation+","+good, creating())
		if scimType == "none" {
			if len(order) != 2 {
				t.Errorf("%s: not carried out: %s", operation, response)
			}
			continue
		}
		if len(order) != 1 || !strings.Contains(response, `"bulkId":"good","status":"201"`) {
			t.Errorf("%s: carried out %v: %s", operation, order, response)
		}
		if scimType != "" && !strings.Contains(response, `"scimType":"`+scimType+`"`) {
			t.Errorf("%s: %s", operation, response)
		}
	}
	order, response := bulkRun(t, `{"method":"POST","path":"/Users","bulkId":"same","data":{}},{"method":"POST","path":"/Users","bulkId":"same","data":{}},`+
		`{"method":"PATCH","path":"/Users/bulkId:same","data":{}},`+good, creating())
	if len(order) != 1 || strings.Count(response, `"status":"400","response"`) != 2 || strings.Count(response, `"status":"409","response"`) != 1 {
		t.Errorf("a bulkId that two operations have: carried out %v: %s", order, response)
	}
}

// FailOnErrors 0 is no limit, as without it.
func TestBulkFailOnErrors(t *testing.T) {
	for text, status := range map[string]int{`0`: 0, `null`: 0, `1`: 0, `-1`: 400, `"1"`: 400, `1.5`: 400} {
		request, err := bulk.Parse([]byte(`{"schemas":["`+bulk.URNRequest+`"],"failOnErrors":`+text+`,"Operations":[{},{}]}`), 10, scimtest.Strict)
		if (err == nil) != (status == 0) {
			t.Errorf("failOnErrors %s: %v", text, err)
		}
		if err == nil && (request.FailOnErrors == 0) != (text != "1") {
			t.Errorf("failOnErrors %s is %d", text, request.FailOnErrors)
		}
	}
}

func TestParseBulkRefusals(t *testing.T) {
	for operations, status := range map[string]int{
		``:                                 400,
		`[]`:                               400,
		`{"method":"POST","bulkId":"a"},7`: 400,
		strings.Repeat(`{},`, 10) + `{}`:   413,
	} {
		_, err := bulk.Parse([]byte(`{"schemas":["`+bulk.URNRequest+`"],"Operations":[`+operations+`]}`), 10, scimtest.Strict)
		if protocol, ok := err.(*scim.Error); !ok || protocol.Status != status { //nolint:errorlint // The package promises the type.
			t.Errorf("%s: %v", operations, err)
		}
	}
}

// bulkWaves parses operations and carries them out in waves: all that may be begun are,
// and then all that were are done.
func bulkWaves(t *testing.T, failOnErrors, operations string) (waves [][]int) {
	t.Helper()
	request, err := bulk.Parse([]byte(`{"schemas":["`+bulk.URNRequest+`"],"failOnErrors":`+failOnErrors+`,"Operations":[`+operations+`]}`), 1000, scimtest.Strict)
	if err != nil {
		t.Fatal(err)
	}
	run, do := bulk.NewRun(request), creating()
	for {
		var wave []int
		var results []bulk.Result
		for {
			index, operation, ok := run.Next()
			if !ok {
				break
			}
			wave, results = append(wave, index), append(results, do(operation))
		}
		if wave == nil {
			return waves
		}
		waves = append(waves, wave)
		for i, index := range wave {
			run.Done(index, results[i])
		}
	}
}

func TestBulkOperationsSideBySide(t *testing.T) {
	post := func(id, data string) string {
		return `{"method":"POST","path":"/Users","bulkId":"` + id + `","data":{` + data + `}}`
	}
	group := func(id, data string) string { return strings.Replace(post(id, data), "/Users", "/Groups", 1) }
	on := func(method, path, data string) string {
		return `{"method":"` + method + `","path":"` + path + `","data":{` + data + `}}`
	}
	for name, c := range map[string]struct {
		failOnErrors string
		operations   []string
		waves        string
	}{
		"independent":           {"0", []string{post("a", `"userName":"a"`), post("b", `"userName":"b"`), on("PUT", "/Users/1", `"userName":"c"`), on("PATCH", "/Groups/2", ``)}, "[[0 1 2 3]]"},
		"failOnErrors":          {"1", []string{post("a", `"userName":"a"`), post("b", `"userName":"b"`)}, "[[0] [1]]"},
		"one id":                {"0", []string{on("PATCH", "/Users/1", ``), on("PATCH", "/Users/1", ``), on("PATCH", "/Users/2", ``), on("DELETE", "/Users/1", ``)}, "[[0 2] [1] [3]]"},
		"one userName":          {"0", []string{post("a", `"userName":"Bob"`), post("b", `"username":"bOB"`), post("c", `"userName":"x"`)}, "[[0 2] [1]]"},
		"one displayName":       {"0", []string{group("a", `"displayName":"G"`), on("PUT", "/Groups/1", `"displayName":"g"`)}, "[[0] [1]]"},
		"a name in a PATCH":     {"0", []string{on("PUT", "/Users/1", `"userName":"a"`), on("PATCH", "/Users/2", `"Operations":[{"op":"replace","path":"URN:User:userName","value":"A"}]`)}, "[[0] [1]]"},
		"a name without a path": {"0", []string{on("PUT", "/Users/1", `"userName":"a"`), on("PATCH", "/Users/2", `"Operations":[{"op":"replace","value":{"userName":"A"}}]`)}, "[[0] [1]]"},
		"a reference":           {"0", []string{post("a", ``), group("g", `"members":[{"value":"bulkId:a"}]`), post("b", ``)}, "[[0 2] [1]]"},
		"references to one":     {"0", []string{post("a", ``), on("PATCH", "/Users/bulkId:a", ``), on("DELETE", "/Users/bulkId:a", ``), group("g", `"members":[{"value":"bulkId:a"}]`)}, "[[0] [1] [2] [3]]"},
		"a member":              {"0", []string{on("DELETE", "/Users/1", ``), group("g", `"members":[{"value":"1"},{"value":"2"}]`), group("h", `"members":[{"value":"2"}]`)}, "[[0 2] [1]]"},
		"a member to remove":    {"0", []string{on("PATCH", "/Groups/g", `"Operations":[{"op":"remove","path":"members[value eq \"1\"]"}]`), on("DELETE", "/Users/1", ``)}, "[[0] [1]]"},
		"a name that is freed":  {"0", []string{on("DELETE", "/Users/1", ``), on("DELETE", "/Users/2", ``), post("a", `"userName":"x"`), group("g", `"displayName":"x"`)}, "[[0 1] [2] [3]]"},
		"a rename":              {"0", []string{on("PATCH", "/Users/1", `"userName":"a"`), post("a", `"userName":"b"`), on("PATCH", "/Users/2", `"title":"b"`)}, "[[0 2] [1]]"},
		"after what waits":      {"0", []string{group("g", `"displayName":"x","members":[{"value":"bulkId:u"}]`), post("u", `"displayName":"x"`)}, "[[1] [0]]"},
		"a circle":              {"0", []string{group("a", `"members":[{"value":"bulkId:b"}]`), group("b", `"members":[{"value":"bulkId:a"}]`), post("u", `"userName":"u"`)}, "[[2] [0] [1] [0]]"},
		"what is refused":       {"0", []string{on("GET", "/Users/1", ``), on("PATCH", "/Users/1", ``)}, "[[1]]"},
	} {
		t.Run(name, func(t *testing.T) {
			waves := bulkWaves(t, c.failOnErrors, strings.Join(c.operations, ","))
			if got := fmt.Sprint(waves); got != c.waves {
				t.Errorf("carried out %s and not %s", got, c.waves)
			}
		})
	}
	all, many := make([]string, 101), make([]string, 101)
	for i := range all {
		all[i], many[i] = `{"value":"`+strconv.Itoa(i)+`"}`, on("PATCH", "/Users/"+strconv.Itoa(i), "")
	}
	waves := bulkWaves(t, "0", group("g", `"members":[`+strings.Join(all, ",")+`]`)+","+strings.Join(many, ","))
	if len(waves) != 2 || len(waves[0]) != 1 || len(waves[1]) != len(many) {
		t.Errorf("an operation that has to do with very many is carried out alone, and not %v", waves)
	}
}

// What cannot be carried out fails in the order of the request, so that failOnErrors ends it
// with the first.
func TestBulkRunFailsInOrder(t *testing.T) {
	request, err := bulk.Parse([]byte(`{"schemas":["`+bulk.URNRequest+`"],"failOnErrors":1,"Operations":[
		{"method":"PATCH","path":"/Users/1","data":{"x":"bulkId:nobody"}},{"method":"PUT","path":"/Users/2","data":{"x":"bulkId:nothing"}}]}`), 10, scimtest.Strict)
	if err != nil {
		t.Fatal(err)
	}
	run := bulk.NewRun(request)
	if _, operation, ok := run.Next(); ok {
		t.Errorf("carries out %s", operation.Path)
	}
	if response := string(run.Response()); !strings.Contains(response, `"method":"PATCH"`) || strings.Contains(response, `"method":"PUT"`) {
		t.Error(response)
	}
}
