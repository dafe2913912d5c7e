{{- define "flask-api.name" -}}
{{- default .Chart.Name .Values.nameOverride }}
{{- end }}

{{/*
The name of the objects: at most 43 characters, because the longest suffix ("-migrate-" and ten
characters) must fit into a label of 63. Names of Services follow RFC 1035; Helm allows more for a release.
*/}}
{{- define "flask-api.fullname" -}}
{{- $name := include "flask-api.name" . }}
{{- $full := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) }}
{{- $full = default $full .Values.fullnameOverride | trunc 43 | trimAll "-" }}
{{- if not (regexMatch "^[a-z][-a-z0-9]*$" $full) }}
{{- fail (printf "%s is not a valid name of a Service (letters, digits and hyphens; a letter first): set fullnameOverride." $full) }}
{{- end }}
{{- $full }}
{{- end }}

{{- define "flask-api.selector" -}}
app.kubernetes.io/name: {{ include "flask-api.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "flask-api.labels" -}}
{{ include "flask-api.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 }}
{{- end }}

{{/* Labels of a pod. Arguments: root, component. */}}
{{- define "flask-api.podLabels" -}}
{{- $own := include "flask-api.labels" .root | fromYaml }}
{{- $own = set $own "app.kubernetes.io/component" .component }}
{{- if has .component (list "api" "webhooks") }}
{{- $own = set $own "metrics" "true" }}
{{- end }}
{{- toYaml (merge $own .root.Values.podLabels) }}
{{- end }}

{{- define "flask-api.serviceAccount" -}}
{{- $made := include "flask-api.fullname" . }}
{{- default (ternary $made "default" .Values.serviceAccount.create) .Values.serviceAccount.name }}
{{- end }}

{{/* The host names of Ingress and HTTPRoute, as a JSON array. */}}
{{- define "flask-api.hosts" -}}
{{- $hosts := list }}
{{- with .Values.ingress }}{{ if .enabled }}{{ $hosts = concat $hosts .hosts }}{{ end }}{{ end }}
{{- with .Values.httpRoute }}{{ if .enabled }}{{ $hosts = concat $hosts .hostnames }}{{ end }}{{ end }}
{{- uniq $hosts | toJson }}
{{- end }}

{{- define "flask-api.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag }}{{ end }}
{{- end }}
{{- end }}

{{/* Termination grace period in seconds. */}}
{{- define "flask-api.gracePeriod" -}}
{{- add (int .Values.preStopSeconds) (int .Values.gunicorn.gracefulTimeout) 5 }}
{{- end }}
