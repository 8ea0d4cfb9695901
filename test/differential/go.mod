module github.com/kubescim/kubescim/test/differential

go 1.26.0

replace github.com/kubescim/kubescim => ../..

require (
	github.com/kubescim/kubescim v0.0.0-00010101000000-000000000000
	github.com/scim2/filter-parser/v2 v2.2.0
	golang.org/x/text v0.43.0
)

require (
	github.com/di-wu/parser v0.2.2 // indirect
	github.com/go-json-experiment/json v1.27.2 // indirect
)

replace github.com/kubescim/kubescim/api => ../../api
