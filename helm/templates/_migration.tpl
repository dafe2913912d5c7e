{{/* Argument: the weight of the hook. */}}
{{- define "flask-api.migrationHook" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}

{{- define "flask-api.migrationServiceAccount" -}}
{{ include "flask-api.serviceAccount" . }}{{ if .Values.serviceAccount.create }}-migrate{{ end }}
{{- end }}

{{/* The source of DATABASE_URL for a migration. */}}
{{- define "flask-api.migrationEnv" -}}
{{- $own := printf "%s-migrate" (include "flask-api.fullname" .) }}
{{- $ref := dict "name" (default $own .Values.existingSecret) "key" "DATABASE_URL" }}
- name: DATABASE_URL
  valueFrom:
    secretKeyRef: {{- get .Values.secretKeyRefs "DATABASE_URL" | default $ref | toYaml | nindent 6 }}
{{- end }}

{{- define "flask-api.migrationPod" -}}
metadata:
  labels: {{- include "flask-api.podLabels" (dict "root" . "component" "migrate") | nindent 4 }}
  annotations:
    {{- include "flask-api.secretChecksum" . | nindent 4 }}
spec:
  serviceAccountName: {{ include "flask-api.migrationServiceAccount" . | quote }}
  restartPolicy: Never
  {{- include "flask-api.pod" . | nindent 2 }}
  containers:
    - name: migrate
      {{- include "flask-api.container" . | nindent 6 }}
      command: [alembic, upgrade, head]
      {{- include "flask-api.env" (dict "root" . "own" (include "flask-api.migrationEnv" .)) | nindent 6 }}
      resources: {{- toYaml .Values.jobResources | nindent 8 }}
{{- end }}
