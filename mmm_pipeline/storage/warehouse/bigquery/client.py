"""One BigQuery client: every job has a deadline, a cost limit and labels, and every failure one clear message."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmm_pipeline.errors import SettingsError, WarehouseError
from mmm_pipeline.storage.warehouse.bigquery.faults import explained
from mmm_pipeline.storage.warehouse.bigquery.names import DatasetName, TableName, dataset_name, table_name
from mmm_pipeline.storage.warehouse.jobs import WarehouseJob

if TYPE_CHECKING:
    import pyarrow as pa
    from google.cloud import bigquery

    from mmm_pipeline.settings.sources import BigQuerySettings

__all__ = ["CREDENTIALS_VARIABLE", "BigQuery", "Parameter"]

CREDENTIALS_VARIABLE = "GCP_CREDENTIALS"
Parameter = str | int | float | dt.date

_log = logging.getLogger(__name__)
_LABEL = {"app": "mmm_pipeline"}
_LONGEST_REQUEST = 60.0
# Each waits twice as long as the one before, from one second on; uploads do not know deadlines.
_UPLOAD_RETRIES = 3
# BigQueryResource puts credentials into the process environment while a client is made.
_OPENING = threading.Lock()


class BigQuery:
    """Jobs on BigQuery.

    The client comes from an unmodified `dagster_gcp.BigQueryResource` at first use: application default credentials, a
    service-account file named by GOOGLE_APPLICATION_CREDENTIALS, or a key's JSON (plain or base64) in GCP_CREDENTIALS.

    Args:
        settings: who pays, where, how much at most, for how long.
    """

    def __init__(self, settings: BigQuerySettings) -> None:
        self.settings = settings
        self._client: bigquery.Client | None = None
        self._jobs: list[WarehouseJob] = []

    def __repr__(self) -> str:
        return f"BigQuery(project={self.settings.project!r})"

    @property
    def client(self) -> bigquery.Client:
        """The client.

        Raises:
            WarehouseError: Google's packages are not installed, or there are no usable credentials.
        """
        with _OPENING:
            if self._client is None:
                self._client = self._open()
            return self._client

    def table_name(self, text: str, setting: str) -> TableName:
        """A validated name; without a project, that of the client."""
        name = table_name(text, setting=setting)
        return name if text.count(".") == 2 else table_name(text, setting=setting, project=self.client.project)

    def dataset_name(self, text: str, setting: str) -> DatasetName:
        """A validated name; without a project, that of the client."""
        name = dataset_name(text, setting=setting)
        return name if "." in text else dataset_name(text, setting=setting, project=self.client.project)

    def take_jobs(self) -> tuple[WarehouseJob, ...]:
        """The jobs since the last call."""
        jobs, self._jobs = tuple(self._jobs), []
        return jobs

    def query(
        self,
        sql: str,
        parameters: Mapping[str, Parameter] | None = None,
        *,
        about: str,
        doing: str,
        estimate: bool = False,
    ) -> pa.Table:
        """Run a query and fetch its result.

        Args:
            sql: the text; values enter as `@name` only.
            parameters: the values.
            about: `project.dataset.table`, for messages.
            doing: what it is for, for messages and metadata.
            estimate: ask by a dry run first what it will read, log that, and refuse what is above the limit.

        Raises:
            WarehouseError: the job failed or took longer than `bigquery.deadline_seconds`.
        """
        job, rows = self._run(sql, parameters or {}, about=about, doing=doing, estimate=estimate)
        with self.explaining(about, f"{doing} (job {job.job_id}, fetching the result)"):
            # The Storage Read API would need a further role and talks to another host.
            return rows.to_arrow(create_bqstorage_client=False)

    def execute(
        self,
        sql: str,
        parameters: Mapping[str, Parameter] | None = None,
        *,
        about: str,
        doing: str,
        estimate: bool = False,
    ) -> bigquery.QueryJob:
        """Run a statement; arguments and errors as of `query`."""
        return self._run(sql, parameters or {}, about=about, doing=doing, estimate=estimate)[0]

    def load(self, parquet: Path, table: TableName, schema: list[bigquery.SchemaField], *, doing: str) -> None:
        """Replace a table by a Parquet file in one load job: readers see the old rows or the new ones.

        Raises:
            WarehouseError: the job failed or took longer than `bigquery.deadline_seconds`.
        """
        from google.cloud import bigquery

        config = bigquery.LoadJobConfig(
            schema=schema,
            source_format=bigquery.SourceFormat.PARQUET,
            write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
            labels=self._labels(),
        )
        config.job_timeout_ms = round(self._deadline * 1000)
        client = self.client
        with self.explaining(str(table), doing), parquet.open("rb") as file:
            job = client.load_table_from_file(
                file,
                str(table),
                num_retries=_UPLOAD_RETRIES,
                job_config=config,
                timeout=self.request_seconds,
            )
            self._wait(job)
        self._note(job, doing, None, 0, 0)

    @contextmanager
    def explaining(self, about: str, doing: str) -> Iterator[None]:
        """Turn what Google's client raises into a `WarehouseError`.

        Raises:
            WarehouseError: naming what it is about.
        """
        import requests
        from google.api_core.exceptions import GoogleAPIError
        from google.auth.exceptions import GoogleAuthError

        began = time.monotonic()
        try:
            yield
        except (GoogleAPIError, GoogleAuthError, requests.RequestException, ConnectionError, TimeoutError) as error:
            _log.debug("%s: %s failed after %.1f s", about, doing, time.monotonic() - began)
            raise explained(error, about=about, doing=doing, deadline=self._deadline) from error

    @property
    def retry(self) -> Any:
        """Retries of one request: those Google's client makes, within the deadline (its own default is ten minutes)."""
        from google.cloud.bigquery.retry import DEFAULT_RETRY

        return DEFAULT_RETRY.with_timeout(self._deadline)

    @property
    def request_seconds(self) -> float:
        """Longest wait for one answer."""
        return min(_LONGEST_REQUEST, self._deadline)

    @property
    def _deadline(self) -> float:
        return self.settings.deadline_seconds

    def _labels(self) -> dict[str, str]:
        return {**_LABEL, **self.settings.labels}

    def _run(
        self, sql: str, parameters: Mapping[str, Parameter], *, about: str, doing: str, estimate: bool
    ) -> tuple[bigquery.QueryJob, Any]:
        from google.cloud import bigquery

        values = [bigquery.ScalarQueryParameter(name, _type(value), value) for name, value in parameters.items()]
        estimated = self._estimate(sql, values, about, doing) if estimate else None
        config = bigquery.QueryJobConfig(
            query_parameters=values, labels=self._labels(), maximum_bytes_billed=self.settings.maximum_bytes_billed
        )
        config.job_timeout_ms = round(self._deadline * 1000)
        client = self.client
        with self.explaining(about, doing):
            job = client.query(sql, job_config=config, retry=self.retry, job_retry=None, timeout=self.request_seconds)
            rows = self._wait(job)
        self._note(job, doing, estimated, job.total_bytes_processed, job.total_bytes_billed)
        return job, rows

    def _wait(self, job: Any) -> Any:
        options = {} if job.job_type == "load" else {"job_retry": None}
        try:
            return job.result(timeout=self._deadline, retry=self.retry, **options)
        except Exception:
            if job.state != "DONE":
                _cancel(job)
            raise

    def _estimate(self, sql: str, values: list[Any], about: str, doing: str) -> int:
        """Bytes that the query would read.

        Raises:
            WarehouseError: more than `bigquery.maximum_bytes_billed`, or the query is not accepted.
        """
        from google.cloud import bigquery

        config = bigquery.QueryJobConfig(query_parameters=values, dry_run=True, use_query_cache=False)
        client = self.client
        with self.explaining(about, f"{doing} (dry run)"):
            job = client.query(sql, job_config=config, retry=self.retry, job_retry=None, timeout=self.request_seconds)
        size = int(job.total_bytes_processed or 0)
        limit = self.settings.maximum_bytes_billed
        _log.info("%s: %s will read about %s bytes (limit %s)", about, doing, f"{size:,}", f"{limit:,}")
        if size > limit:
            raise WarehouseError(
                f"{about}: {doing} would read {size:,} bytes, more than bigquery.maximum_bytes_billed = {limit:,}. "
                "What to do: raise the limit, or read less: source.since prunes a table that is partitioned by the date"
            )
        return size

    def _note(self, job: Any, doing: str, estimated: int | None, processed: int | None, billed: int | None) -> None:
        self._jobs.append(
            WarehouseJob(
                project=str(job.project),
                location=str(job.location or self.settings.location or "US"),
                job_id=str(job.job_id),
                purpose=doing,
                bytes_estimated=estimated,
                bytes_processed=int(processed or 0),
                bytes_billed=None if billed is None else int(billed),
            )
        )

    def _open(self) -> bigquery.Client:
        try:
            from dagster_gcp import BigQueryResource
        except ImportError as error:
            raise WarehouseError(
                "BigQuery is asked for, but Google's packages are not installed: pip install -e '.[bigquery]'"
            ) from error
        resource = BigQueryResource(
            project=self.settings.project, location=self.settings.location, gcp_credentials=_credentials()
        )
        about = self.settings.project or "BigQuery"
        with self.explaining(about, "opening the connection"):
            try:
                # The client keeps its credentials; the environment is as before when the block ends.
                with resource.get_client() as client:
                    return client
            except OSError as error:
                if type(error).__name__ == "DefaultCredentialsError" or "project" not in str(error).lower():
                    raise
                raise SettingsError(
                    "bigquery.project is empty and the credentials name no project: set it to the project that pays"
                ) from error


def _credentials() -> str | None:
    """The key in the environment, base64-encoded as BigQueryResource takes it.

    Raises:
        SettingsError: it is not a key, or there are two sources of credentials.
    """
    key = os.environ.get(CREDENTIALS_VARIABLE, "").strip()
    if not key:
        return None
    if os.environ.get("GOOGLE_APPLICATION_CREDENTIALS"):
        raise SettingsError(
            f"{CREDENTIALS_VARIABLE} and GOOGLE_APPLICATION_CREDENTIALS are both set: unset one of them"
        )
    text = key
    try:
        if not key.startswith("{"):
            text = base64.b64decode(key, validate=False).decode("utf-8")
        valid = isinstance(json.loads(text), dict)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        valid = False
    if not valid:
        raise SettingsError(
            f"{CREDENTIALS_VARIABLE} is not the JSON of a key, plain or base64: write it with `base64 -w0 key.json`"
        )
    return base64.b64encode(text.encode("utf-8")).decode("ascii")


def _cancel(job: Any) -> None:
    """Stop a job that is given up, without waiting; it ends by its own time limit otherwise."""
    try:
        job.cancel(timeout=2, retry=None)
    except Exception as error:
        _log.warning("job %s could not be cancelled: %s", job.job_id, type(error).__name__)


def _type(value: Parameter) -> str:
    if isinstance(value, dt.date):
        return "DATE"
    return {str: "STRING", int: "INT64", float: "FLOAT64"}[type(value)]
