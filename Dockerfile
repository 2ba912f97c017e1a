# The pipelines inside Airflow, at the exact versions of constraints.txt, as an ordinary user.
FROM python:3.11.14-slim-bookworm

ENV PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/procurement/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/procurement/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=False

RUN useradd --create-home --uid 50000 airflow \
    && mkdir -p /opt/airflow /opt/procurement \
    && chown -R airflow:airflow /opt/airflow /opt/procurement

WORKDIR /opt/procurement
COPY --chown=airflow:airflow pyproject.toml constraints.txt README.md LICENSE ./
COPY --chown=airflow:airflow connectors connectors
COPY --chown=airflow:airflow procurement procurement
COPY --chown=airflow:airflow mappings mappings
COPY --chown=airflow:airflow sandbox sandbox
COPY --chown=airflow:airflow local local
COPY --chown=airflow:airflow plugins plugins
COPY --chown=airflow:airflow dags dags

RUN python -m pip install -c constraints.txt pip \
    && python -m pip install -c constraints.txt -e '.[local]'

USER 50000
EXPOSE 8080
CMD ["airflow", "version"]
