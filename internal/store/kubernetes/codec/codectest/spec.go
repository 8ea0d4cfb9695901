// Package codectest has objects for the tests of what reads and writes them.
package codectest

import (
	"fmt"
	"reflect"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// fill gives every field a value, and no two of them the same text.
func fill(value reflect.Value, path string) {
	switch value.Kind() {
	case reflect.Pointer:
		value.Set(reflect.New(value.Type().Elem()))
		fill(value.Elem(), path)
	case reflect.Slice:
		value.Set(reflect.MakeSlice(value.Type(), 2, 2))
		for i := range 2 {
			fill(value.Index(i), fmt.Sprintf("%s[%d]", path, i))
		}
	case reflect.Struct:
		for i := range value.NumField() {
			fill(value.Field(i), path+"."+value.Type().Field(i).Name)
		}
	case reflect.String:
		value.SetString(path)
	case reflect.Bool:
		value.SetBool(true)
	default:
		panic("a field of a kind that the test does not know: " + path)
	}
}

// EveryField is a spec with every field but what is not the user's own.
func EveryField() *scimv1alpha1.ScimUserSpec {
	spec := scimv1alpha1.ScimUserSpec{}
	value := reflect.ValueOf(&spec).Elem()
	for i := range value.NumField() {
		switch name := value.Type().Field(i).Name; name {
		case "TenantRef", "Meta", "Extensions", "Lookup":
		default:
			fill(value.Field(i), name)
		}
	}
	return &spec
}
