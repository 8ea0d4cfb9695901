package scimtest

import (
	"bufio"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// follow writes down the logs of those containers of a pod that have started, from now on.
func (s *sight) follow(object *unstructured.Unstructured) {
	pod, err := podOf(object)
	if err != nil {
		return // A pod of another form has no logs that could be asked for.
	}
	for _, status := range pod.Status.ContainerStatuses {
		if id := pod.Name + status.ContainerID; status.ContainerID != "" && s.isNew(id) {
			place := "log of " + pod.Spec.Containers[0].Name
			s.running.Go(func() { s.readLog(pod, status.Name, place) })
		}
	}
}

func (s *sight) isNew(container string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.follows[container]
	s.follows[container] = true
	return !known
}

// readLog writes down the log of a container until it ends. That of one which is gone already
// was seen by nobody.
func (s *sight) readLog(pod *corev1.Pod, container, place string) {
	options := &corev1.PodLogOptions{Container: container, Follow: true}
	stream, err := s.client.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, options).Stream(s.ctx)
	if err != nil {
		return
	}
	defer func() { _ = stream.Close() }()
	for reader := bufio.NewReader(stream); ; {
		line, err := reader.ReadBytes('\n')
		if len(line) > 0 {
			seen.Add(place, line)
		}
		if err != nil {
			return
		}
	}
}
