{{/* Labels of everything in the release. */}}
{{- define "weft.labels" -}}
app.kubernetes.io/name: {{ .Values.nameOverride | default "weft" }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: weft
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* Labels that select the pods of one component; they never change. Call with (list $ "webhook"). */}}
{{- define "weft.selector" -}}
app.kubernetes.io/part-of: weft
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "weft.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "weft.proxyImage" -}}
{{ .Values.image.proxy | default (include "weft.image" .) }}
{{- end }}

{{/* Replicas of a component: its own number, or the one for all. Call with (list $ "webhook"). */}}
{{- define "weft.replicas" -}}
{{- $own := (index (index . 0).Values (index . 1)).replicaCount -}}
{{- if kindIs "invalid" $own }}{{ (index . 0).Values.replicaCount }}{{ else }}{{ $own }}{{ end -}}
{{- end }}

{{/* Namespaces that the injector never looks at, so that it can block neither the cluster nor itself. */}}
{{- define "weft.excludedNamespaces" -}}
{{- $own := list "kube-system" "kube-public" "kube-node-lease" .Release.Namespace -}}
{{- toYaml (concat $own .Values.webhook.excludedNamespaces | uniq) -}}
{{- end }}

{{/* What webhook and operator say of themselves and of the mesh. */}}
{{- define "weft.env" -}}
- name: WEFT_SYSTEM_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
- name: WEFT_POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: WEFT_POD_IP
  valueFrom: {fieldRef: {fieldPath: status.podIP}}
- {name: WEFT_CLUSTER_DOMAIN, value: {{ .Values.clusterDomain | quote }}}
- {name: WEFT_TRUST_DOMAIN, value: {{ .Values.trustDomain | quote }}}
- {name: WEFT_LOG_LEVEL, value: {{ .Values.logLevel | quote }}}
{{- end }}

{{/* Where pods of a component run. Call with (list $ "webhook"). */}}
{{- define "weft.scheduling" -}}
{{- $all := (index . 0).Values -}}
{{- $own := index $all (index . 1) -}}
{{- with merge (dict) $own.nodeSelector $all.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.tolerations | default $all.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.topologySpreadConstraints | default $all.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.priorityClassName | default $all.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
affinity:
{{- with $own.affinity | default $all.affinity }}
  {{- toYaml . | nindent 2 }}
{{- else }}
  # preferred, not required: a cluster of one node shall run both replicas
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels:
              {{- include "weft.selector" . | nindent 14 }}
{{- end }}
{{- end }}

{{/* The restricted Pod Security level. */}}
{{- define "weft.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "weft.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}
