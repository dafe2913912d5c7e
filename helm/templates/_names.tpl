{{- define "flask-api.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Short enough for the longest suffix, "-migrate-" and ten characters, in a label of 63. */}}
{{- define "flask-api.fullname" -}}
{{- $name := include "flask-api.name" . }}
{{- $full := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) }}
{{- default $full .Values.fullnameOverride | trunc 43 | trimSuffix "-" }}
{{- end }}

{{- define "flask-api.selector" -}}
app.kubernetes.io/name: {{ include "flask-api.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "flask-api.labels" -}}
{{ include "flask-api.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 }}
{{- end }}

{{/* Labels of a pod. To be called with the root and the component. */}}
{{- define "flask-api.podLabels" -}}
{{- $own := include "flask-api.labels" .root | fromYaml }}
{{- $own = set $own "app.kubernetes.io/component" .component }}
{{- toYaml (merge $own .root.Values.podLabels) }}
{{- end }}

{{- define "flask-api.serviceAccount" -}}
{{- $made := include "flask-api.fullname" . }}
{{- default (ternary $made "default" .Values.serviceAccount.create) .Values.serviceAccount.name }}
{{- end }}

{{- define "flask-api.secret" -}}
{{- default (include "flask-api.fullname" .) .Values.existingSecret }}
{{- end }}

{{- define "flask-api.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag }}{{ end }}
{{- end }}
{{- end }}

{{/* Seconds from the end's announcement to SIGKILL. */}}
{{- define "flask-api.gracePeriod" -}}
{{- add .Values.preStopSeconds .Values.gunicorn.gracefulTimeout 5 }}
{{- end }}
