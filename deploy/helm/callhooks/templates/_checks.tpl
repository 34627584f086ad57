{{- /* Refuses values that a schema can't judge, because they depend on each other. */ -}}
{{- define "callhooks.checks" -}}
{{- $v := .Values -}}
{{- if $v.embeddedDatabase.enabled -}}
  {{- if or (gt (int $v.replicaCount) 1) $v.autoscaling.enabled -}}
    {{- fail "embeddedDatabase: the embedded database has one process. Set replicaCount to 1 and leave autoscaling off, or use MySQL (embeddedDatabase.enabled=false)." -}}
  {{- end -}}
  {{- if not $v.embeddedDatabase.existingClaim -}}
    {{- fail "embeddedDatabase.existingClaim: name a PersistentVolumeClaim, or every call is forgotten with its pod." -}}
  {{- end -}}
{{- else if not $v.secrets.existingSecret -}}
  {{- fail "secrets.existingSecret: name a Secret with the keys database-url, encryption-keys and auth-tokens." -}}
{{- end -}}
{{- if and $v.embeddedDatabase.enabled (not $v.secrets.existingSecret) -}}
  {{- fail "secrets.existingSecret: name a Secret with the keys encryption-keys and auth-tokens." -}}
{{- end -}}
{{- if and (not $v.tls.existingSecret) (not $v.insecure) -}}
  {{- fail "tls.existingSecret: name a Secret of type kubernetes.io/tls. Only where a mesh encrypts all traffic, set insecure=true." -}}
{{- end -}}
{{- if and $v.tls.clientCaSecret (not $v.tls.existingSecret) -}}
  {{- fail "tls.clientCaSecret: client certificates need TLS (tls.existingSecret)." -}}
{{- end -}}
{{- if and $v.autoscaling.enabled (lt (int $v.autoscaling.maxReplicas) (int $v.autoscaling.minReplicas)) -}}
  {{- fail "autoscaling: maxReplicas is less than minReplicas." -}}
{{- end -}}
{{- end -}}
