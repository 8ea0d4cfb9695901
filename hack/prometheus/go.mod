// Pins the CustomResourceDefinitions of prometheus-operator that the chart's objects are tested against. They are files of
// this module; nothing of it is built.
module github.com/kubescim/kubescim/hack/prometheus

go 1.26.4

require github.com/prometheus-operator/prometheus-operator v0.85.0
