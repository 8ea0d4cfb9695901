package cluster

import "testing"

func TestMetric(t *testing.T) {
	text := []byte(`# HELP process_resident_memory_bytes Resident memory size in bytes.
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 2.5e+07
# TYPE apiserver_storage_size_bytes gauge
apiserver_storage_size_bytes{storage_cluster_id="etcd-0"} 1000
apiserver_storage_size_bytes{storage_cluster_id="etcd-1"} 24
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 1.5
`)
	for name, want := range map[string]float64{residentMemory: 2.5e7, "apiserver_storage_size_bytes": 1024} {
		if got, err := metric(text, name); err != nil || got != want {
			t.Errorf("%s is %v (%v), want %v", name, got, err, want)
		}
	}
	if got, err := processOf(text); err != nil || got != (Process{Memory: 2.5e7, CPU: 1.5}) {
		t.Errorf("got %+v (%v)", got, err)
	}
	if _, err := metric(text, "other"); err == nil {
		t.Error("a metric that is not there was read")
	}
	if _, err := metric([]byte("<html>"), residentMemory); err == nil {
		t.Error("metrics were read from what has none")
	}
}

func TestEtcdIsOnLoopback(t *testing.T) {
	if _, err := Etcd(t.Context(), "http://192.0.2.1/metrics"); err == nil {
		t.Error("metrics were asked for elsewhere")
	}
}
