{{/* The part of the spec that all pods share: no privileges, only /tmp is writable. */}}
{{- define "flask-api.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  {{- with .Values.runAsUser }}
  runAsUser: {{ int . }}
  runAsGroup: {{ int . }}
  fsGroup: {{ int . }}
  {{- end }}
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: tmp
    emptyDir:
      medium: Memory
      sizeLimit: 64Mi
  {{- with .Values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "flask-api.container" -}}
image: {{ include "flask-api.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
volumeMounts:
  - name: tmp
    mountPath: /tmp
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* The settings of the service. Variables of `env` override those of `envFrom`. */}}
{{- define "flask-api.settings" -}}
envFrom:
  - configMapRef:
      name: {{ include "flask-api.fullname" . | quote }}
  {{- with include "flask-api.secret" . }}
  - secretRef:
      name: {{ . | quote }}
  {{- end }}
{{- end }}

{{/* Annotations with hashes of the settings: if a setting changes, Kubernetes replaces the pods. */}}
{{- define "flask-api.checksums" -}}
checksum/config: {{ include (print $.Template.BasePath "/configmap.yaml") . | sha256sum }}
{{ include "flask-api.secretChecksum" . }}
{{- end }}

{{/* One hash of all secrets, because an attacker could guess a short password from a hash of its own. */}}
{{- define "flask-api.secretChecksum" -}}
checksum/secret: {{ include (print $.Template.BasePath "/secret.yaml") . | sha256sum }}
{{- end }}

{{- define "flask-api.probe" -}}
httpGet:
  path: /api/health/{{ .path }}
  port: http
{{ toYaml .numbers }}
{{- end }}
