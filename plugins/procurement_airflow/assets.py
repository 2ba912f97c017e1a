"""What one pipeline writes and another waits for."""

from airflow.sdk import Asset

GOODS_RECEIPTS = Asset(name="coupa_goods_receipts", uri="procurement://coupa/goods_receipts")
