{{/*
The name of the chart, for the label app.kubernetes.io/name.
*/}}
{{- define "kubescim.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/*
What the names of all objects begin with: the release's name, with the chart's unless it contains that already.
*/}}
{{- define "kubescim.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/*
The full name with a suffix. The name is cut, and never the suffix, so that no two objects get the same name.
Use as: include "kubescim.suffixed" (list . "metrics")
*/}}
{{- define "kubescim.suffixed" -}}
{{- $suffix := index . 1 }}
{{- $length := sub 62 (len $suffix) | int }}
{{- printf "%s-%s" (include "kubescim.fullname" (index . 0) | trunc $length | trimSuffix "-") $suffix }}
{{- end }}

{{/*
The labels by which the operator's pods are found. A Deployment's selector cannot be changed: neither can these.
*/}}
{{- define "kubescim.selectorLabels" -}}
app.kubernetes.io/name: {{ include "kubescim.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/*
The labels of every object.
*/}}
{{- define "kubescim.labels" -}}
{{- $own := dict
      "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
      "app.kubernetes.io/version" (.Chart.AppVersion | replace "+" "_" | trunc 63 | trimSuffix "-")
      "app.kubernetes.io/component" "operator"
      "app.kubernetes.io/part-of" "kubescim"
      "app.kubernetes.io/managed-by" .Release.Service }}
{{- $selector := include "kubescim.selectorLabels" . | fromYaml }}
{{- toYaml (mergeOverwrite dict .Values.commonLabels $own $selector) }}
{{- end }}

{{/*
The name of the operator's ServiceAccount.
*/}}
{{- define "kubescim.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "kubescim.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/*
The operator's name as a user of the API server.
*/}}
{{- define "kubescim.username" -}}
{{- printf "system:serviceaccount:%s:%s" .Release.Namespace (include "kubescim.serviceAccountName" .) }}
{{- end }}

{{/*
The labels of an object with labels of its own, by which somebody chooses it.
Use as: include "kubescim.labelsWith" (list . .Values.metrics.podMonitor.labels)
*/}}
{{- define "kubescim.labelsWith" -}}
{{- toYaml (mergeOverwrite dict (index . 1) (include "kubescim.labels" (index . 0) | fromYaml)) }}
{{- end }}

{{/*
The operator as a subject of role bindings.
*/}}
{{- define "kubescim.subjects" -}}
- kind: ServiceAccount
  name: {{ include "kubescim.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}

{{/*
The operator's image.
*/}}
{{- define "kubescim.image" -}}
{{- $registry := .Values.global.imageRegistry | default .Values.image.registry }}
{{- with .Values.image }}
{{- $repository := ternary (printf "%s/%s" $registry .repository) .repository (ne $registry "") }}
{{- if .digest }}
{{- printf "%s@%s" $repository .digest }}
{{- else }}
{{- printf "%s:%s" $repository (default $.Chart.AppVersion .tag) }}
{{- end }}
{{- end }}
{{- end }}

{{/*
The Secrets for the registry of the operator's image. Charts differ in whether a global one is a name or an object.
*/}}
{{- define "kubescim.imagePullSecrets" -}}
{{- $secrets := .Values.imagePullSecrets }}
{{- range .Values.global.imagePullSecrets }}
{{- $secrets = append $secrets (kindIs "string" . | ternary (dict "name" .) .) }}
{{- end }}
{{- $secrets | uniq | toYaml }}
{{- end }}

{{/*
The operator's configuration. OpenShift assigns users to the pods of each namespace, and admits none that states one.
*/}}
{{- define "kubescim.config" -}}
{{- $config := deepCopy .Values.config }}
{{- if .Capabilities.APIVersions.Has "security.openshift.io/v1" }}
{{- $config = mergeOverwrite $config (dict "servers" (dict "userIDs" "Assigned")) }}
{{- end }}
{{- toYaml $config }}
{{- end }}
