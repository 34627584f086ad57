{{- /* What the replicas and the migration share: who they run as, their settings and their files. */ -}}
{{- define "callhooks.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "callhooks.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "callhooks.env" -}}
- name: NODE_OPTIONS
  value: {{ .Values.nodeOptions | quote }}
{{- if not .Values.embeddedDatabase.enabled }}
- name: DATABASE_URL_FILE
  value: /etc/callhooks/secrets/database-url
{{- if .Values.database.caSecret }}
- name: CALLHOOKS_DATABASE_CA_FILE
  value: /etc/callhooks/database-ca/ca.crt
{{- end }}
{{- end }}
- name: CALLHOOKS_ENCRYPTION_KEYS_FILE
  value: /etc/callhooks/secrets/encryption-keys
- name: CALLHOOKS_AUTH_TOKENS_FILE
  value: /etc/callhooks/secrets/auth-tokens
- name: CALLHOOKS_LISTEN
  value: 0.0.0.0:50051
- name: CALLHOOKS_HEALTH_LISTEN
  value: 0.0.0.0:50052
- name: CALLHOOKS_OPS_LISTEN
  value: 0.0.0.0:9464
- name: CALLHOOKS_SHUTDOWN_GRACE
  value: {{ printf "%ds" (int .Values.shutdownGraceSeconds) }}
{{- if .Values.tls.existingSecret }}
- name: CALLHOOKS_TLS_CERT_FILE
  value: /etc/callhooks/tls/tls.crt
- name: CALLHOOKS_TLS_KEY_FILE
  value: /etc/callhooks/tls/tls.key
{{- if .Values.tls.clientCaSecret }}
- name: CALLHOOKS_TLS_CLIENT_CA_FILE
  value: /etc/callhooks/client-ca/ca.crt
{{- end }}
{{- else }}
- name: CALLHOOKS_INSECURE
  value: "true"
{{- end }}
{{- range $name, $value := .Values.settings }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "callhooks.mounts" -}}
- name: secrets
  mountPath: /etc/callhooks/secrets
  readOnly: true
{{- if .Values.tls.existingSecret }}
- name: tls
  mountPath: /etc/callhooks/tls
  readOnly: true
{{- end }}
{{- if .Values.tls.clientCaSecret }}
- name: client-ca
  mountPath: /etc/callhooks/client-ca
  readOnly: true
{{- end }}
{{- if .Values.database.caSecret }}
- name: database-ca
  mountPath: /etc/callhooks/database-ca
  readOnly: true
{{- end }}
- name: data
  mountPath: /data
{{- end -}}

{{- define "callhooks.volumes" -}}
- name: secrets
  secret:
    secretName: {{ .Values.secrets.existingSecret }}
    defaultMode: 0440
{{- if .Values.tls.existingSecret }}
- name: tls
  secret:
    secretName: {{ .Values.tls.existingSecret }}
    defaultMode: 0440
{{- end }}
{{- if .Values.tls.clientCaSecret }}
- name: client-ca
  secret:
    secretName: {{ .Values.tls.clientCaSecret }}
    defaultMode: 0440
{{- end }}
{{- if .Values.database.caSecret }}
- name: database-ca
  secret:
    secretName: {{ .Values.database.caSecret }}
    defaultMode: 0440
{{- end }}
- name: data
{{- if .Values.embeddedDatabase.enabled }}
  persistentVolumeClaim:
    claimName: {{ .Values.embeddedDatabase.existingClaim }}
{{- else }}
  emptyDir:
    sizeLimit: 16Mi
{{- end }}
{{- end -}}
