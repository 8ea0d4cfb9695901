// Package appendjson writes JSON as the answers of a SCIM server have it.
package appendjson

import (
	"math"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// String writes a JSON string. What is no UTF-8 becomes the replacement character. Unlike
// encoding/json it leaves <, > and & alone: no answer of a SCIM server is part of an HTML
// page.
func String(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s) // The error is that there was something to replace.
	return b
}

// Text writes what is between the quotation marks of a JSON string.
func Text(b []byte, s string) []byte {
	start := len(b)
	b = String(b, s)
	return append(b[:start], b[start+1:len(b)-1]...)
}

// Scalar writes a simple value; null for what is none.
func Scalar(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return String(b, v)
	case bool:
		return strconv.AppendBool(b, v)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case float64:
		return Float(b, v)
	default:
		return append(b, "null"...)
	}
}

// Float writes the shortest number that reads back alike.
func Float(b []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(b, "null"...)
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(b, f, format, -1, 64)
}

// Time writes a time as the dateTime of RFC 7643 section 2.3.5, with as many
// digits as it takes to read it back alike.
func Time(b []byte, t time.Time) []byte {
	b = append(b, '"')
	b = t.UTC().AppendFormat(b, time.RFC3339Nano)
	return append(b, '"')
}

// Separate writes a comma before every member but the first.
func Separate(b []byte, empty *bool) []byte {
	if *empty {
		*empty = false
		return b
	}
	return append(b, ',')
}
