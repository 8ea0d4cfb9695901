package strictjson

// Describe names the kind of a JSON value, with an article.
func Describe(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "a string"
	case Number:
		return "a number"
	case []any:
		return "an array"
	default:
		return "an object"
	}
}
