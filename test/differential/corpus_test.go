package differential

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// seed makes the corpus the same in every run.
const seed = 7644

// corpus returns filters: most are what the grammar of RFC 7644 section 3.4.2.2
// generates, and some are those with a piece lost, doubled or moved.
func corpus(size int) []string {
	random := rand.New(rand.NewPCG(seed, 0))
	filters := make([]string, 0, size)
	for len(filters) < size {
		filter := expression(random, 3)
		if random.IntN(4) == 0 {
			filter = damaged(random, filter)
		}
		filters = append(filters, filter)
	}
	return filters
}

func pick(random *rand.Rand, choices ...string) string { return choices[random.IntN(len(choices))] }

// expression is the FILTER of the grammar, of a bounded depth.
func expression(random *rand.Rand, depth int) string {
	if depth == 0 {
		return comparison(random, "")
	}
	switch random.IntN(6) {
	case 0:
		return expression(random, depth-1) + " and " + expression(random, depth-1)
	case 1:
		return expression(random, depth-1) + " or " + expression(random, depth-1)
	case 2:
		return "not (" + expression(random, depth-1) + ")"
	case 3:
		return "(" + expression(random, depth-1) + ")"
	case 4:
		inside := comparison(random, "emails")
		if random.IntN(2) == 0 {
			inside += pick(random, " and ", " or ") + comparison(random, "emails")
		}
		return "emails[" + inside + "]"
	default:
		return comparison(random, "")
	}
}

// comparison is the attrExp of the grammar, about strings, which every attribute
// here has.
func comparison(random *rand.Rand, within string) string {
	attribute := pick(random, "userName", "name.familyName", "title", "emails.value", "externalId",
		"urn:ietf:params:scim:schemas:core:2.0:User:userName",
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department")
	if within != "" {
		attribute = pick(random, "type", "value")
	}
	if random.IntN(6) == 0 {
		return attribute + " pr"
	}
	return fmt.Sprintf("%s %s %s", attribute, pick(random, "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"),
		pick(random, `"a"`, `"bjensen"`, `""`, `"O'Malley"`, `"a \"b\" \\ c"`, `"\u00e4"`, `"a and b"`, `"(x"`))
}

// damaged returns the filter with one word lost, doubled or in another's place.
func damaged(random *rand.Rand, filter string) string {
	words := strings.Split(filter, " ")
	i, j := random.IntN(len(words)), random.IntN(len(words))
	switch random.IntN(3) {
	case 0:
		words = append(words[:i:i], words[i+1:]...)
	case 1:
		words = append(words[:i+1:i+1], words[i:]...)
	default:
		words[i], words[j] = words[j], words[i]
	}
	return strings.Join(words, " ")
}
