{{/* Name of the Secret with settings: existingSecret, or that of the chart if `secrets` has a value. */}}
{{- define "flask-api.secret" -}}
{{- if .Values.existingSecret -}}
{{ .Values.existingSecret }}
{{- else if values .Values.secrets | join "" -}}
{{ include "flask-api.fullname" . }}
{{- end }}
{{- end }}

{{/* "true" if secretKeyRefs or extraEnv sets the variable. Arguments: root, name. */}}
{{- define "flask-api.elsewhere" -}}
{{- $name := .name }}
{{- $set := hasKey .root.Values.secretKeyRefs $name }}
{{- range .root.Values.extraEnv }}
{{- $set = or $set (eq .name $name) }}
{{- end }}
{{- if $set }}true{{ end }}
{{- end }}

{{- define "flask-api.secretKeyRefs" -}}
{{- range $name, $ref := .Values.secretKeyRefs }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef: {{- toYaml $ref | nindent 6 }}
{{- end }}
{{- end }}

{{/*
The variables of a container; extraEnv overrides the others.
Arguments: root, own (a YAML list).
*/}}
{{- define "flask-api.env" -}}
{{- $names := list }}
{{- range .root.Values.extraEnv }}
{{- if has .name $names }}
{{- fail (printf "extraEnv contains %s twice." .name) }}
{{- end }}
{{- $names = append $names .name }}
{{- end }}
{{- $env := list }}
{{- range .own | fromYamlArray }}
{{- if not (has .name $names) }}
{{- $env = append $env . }}
{{- end }}
{{- end }}
env: {{- concat $env .root.Values.extraEnv | toYaml | nindent 2 }}
{{- end }}

{{- define "flask-api.processEnv" -}}
{{ include "flask-api.secretKeyRefs" . }}
{{- if .Values.metrics.enabled }}
- name: METRICS_PORT
  value: {{ .Values.metrics.port | int | quote }}
{{- end }}
{{- end }}

{{- define "flask-api.apiEnv" -}}
{{ include "flask-api.processEnv" . }}
- name: GUNICORN_CMD_ARGS
  {{- with .Values.gunicorn }}
  value: --workers={{ int .workers }} --graceful-timeout={{ int .gracefulTimeout }}
  {{- end }}
{{- with .Values.otel.endpoint }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ . | quote }}
- name: OTEL_SERVICE_NAME
  value: {{ include "flask-api.fullname" $ | quote }}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: OTEL_RESOURCE_ATTRIBUTES
  value: k8s.namespace.name={{ $.Release.Namespace }},k8s.pod.name=$(POD_NAME)
{{- end }}
{{- end }}
