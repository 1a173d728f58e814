{{- define "eventyard.name" -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "eventyard.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "eventyard.name" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{/* How the admin listener is spoken to. */}}
{{- define "eventyard.adminScheme" -}}
{{- if .Values.tls.adminSecretName -}}HTTPS{{- else -}}HTTP{{- end -}}
{{- end -}}

{{- define "eventyard.selector" -}}
app.kubernetes.io/name: eventyard
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "eventyard.labels" -}}
{{ include "eventyard.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}
