package config

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// endpoints are the variables of OpenTelemetry that are URLs.
var endpoints = []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"}

// telemetry are the other variables of OpenTelemetry that servers go by. OTEL_EXPORTER_OTLP_HEADERS is none of them: what is
// in it is mostly secret, and everybody who may read a Deployment would see it.
//
// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
var telemetry = []string{
	"OTEL_BSP_EXPORT_TIMEOUT", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_SCHEDULE_DELAY",
	"OTEL_EXPORTER_OTLP_COMPRESSION", "OTEL_EXPORTER_OTLP_TIMEOUT",
	"OTEL_RESOURCE_ATTRIBUTES", "OTEL_SERVICE_NAME", "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG",
}

func validateTelemetry(variables map[string]string) []error {
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		value := variables[name]
		switch {
		case slices.Contains(endpoints, name):
			if u, err := url.Parse(value); err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
				problems = append(problems, fmt.Errorf("servers.openTelemetry.%s: must be a URL without a password, such as http://collector.monitoring:4318, not %q", name, value))
			}
		case !slices.Contains(telemetry, name):
			problems = append(problems, fmt.Errorf("servers.openTelemetry: %q is no variable that servers go by; these are %s",
				name, strings.Join(append(slices.Clone(endpoints), telemetry...), ", ")))
		}
	}
	return problems
}

// CollectorPorts are the ports at which servers reach what takes their traces; none when they send none. The operator starts
// with no URLs that cannot be read.
func (s Servers) CollectorPorts() []int32 {
	var ports []int32
	for _, name := range endpoints {
		collector, err := url.Parse(s.OpenTelemetry[name])
		if err != nil || collector.Host == "" {
			continue
		}
		port := cmp.Or(collector.Port(), map[string]string{"http": "80", "https": "443"}[collector.Scheme])
		if number, err := strconv.ParseUint(port, 10, 16); err == nil && number > 0 {
			ports = append(ports, int32(number))
		}
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}
