# The pipelines inside Airflow, at the exact versions of constraints.txt, as an ordinary user who cannot change the code.
FROM python:3.11.14-slim-bookworm

ENV PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/procurement/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/procurement/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=False

# Both folders must exist: a volume mounted where there is none belongs to root.
RUN useradd --create-home --uid 50000 airflow \
    && mkdir -p /opt/airflow/logs /opt/airflow/reports \
    && chown -R airflow:airflow /opt/airflow

WORKDIR /opt/procurement

# Dependencies first: this layer is built again only when they change.
COPY pyproject.toml constraints.txt ./
RUN python -c "import tomllib; project = tomllib.load(open('pyproject.toml', 'rb'))['project']; \
        print('\n'.join(project['dependencies'] + project['optional-dependencies']['local']))" > /tmp/requirements.txt \
    && python -m pip install -c constraints.txt pip \
    && python -m pip install -c constraints.txt -r /tmp/requirements.txt \
    && rm /tmp/requirements.txt

COPY README.md LICENSE ./
COPY connectors connectors
COPY procurement procurement
COPY mappings mappings
COPY sandbox sandbox
COPY local local
COPY plugins plugins
COPY dags dags
RUN python -m pip install --no-deps -c constraints.txt -e . \
    && chmod -R a+rX,go-w . \
    && python -m compileall -q connectors procurement mappings sandbox local plugins dags

USER 50000
EXPOSE 8080
CMD ["airflow", "version"]
