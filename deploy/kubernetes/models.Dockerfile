# Models and adapters for the volume of base/models.yaml, from an unpacked bundle (make bundle):
#   docker build -f deploy/kubernetes/models.Dockerfile -t latentflow/models build/latentflow-...
ARG SHARER=latentflow/sharer
FROM ${SHARER}
COPY adapters /bundle/adapters
COPY models /bundle/models
ENV PIP_NO_INDEX=1 PIP_FIND_LINKS=/bundle/models
HEALTHCHECK NONE
# Adapters first: who waits for a model then finds them too.
ENTRYPOINT ["sh", "-c", "cp -R /bundle/adapters /data/ && exec python -m latentflow.cli models pull"]
