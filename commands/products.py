"""`flask products`: product catalogue."""

from pathlib import Path

import click
from flask.cli import AppGroup
from sqlalchemy.orm import Session

from app.cli import transaction
from services import product_import, stock_verification
from services.product_import import Staged

command = AppGroup("products", help="Product catalogue.")


@command.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_products(file: Path) -> None:
    """Import products from a CSV file, in UTF-8 with commas.

    The columns are id, name, price (in minor units), currency, stock and optionally description.
    Existing products are updated, also their stock. Without the column description, they keep
    their descriptions. If a line is invalid, the command prints its number and imports nothing.
    Otherwise the command writes 500 products per transaction. It uses two database connections.
    After an error, run the command again.
    """
    try:
        with transaction() as session:
            staged = stage(session, file)
            write(session, staged)
    except product_import.BadFileError as error:
        raise click.ClickException(f"{file}: nothing was imported.\n{error}") from error
    click.echo(f"Imported {staged.count} products.")


def stage(session: Session, file: Path) -> Staged:
    """Check the whole file, and show a progress bar."""
    size = file.stat().st_size
    with file.open("rb") as binary, click.progressbar(length=size, label="Checking") as bar:
        return product_import.stage(session, binary, bar.update)


def write(session: Session, staged: Staged) -> None:
    """Write each batch in its own transaction, so that orders do not wait for the whole import."""
    written = 0
    try:
        with click.progressbar(length=staged.count, label="Writing") as bar:
            for batch in product_import.batches(session, staged):
                with transaction() as writing:
                    product_import.write(writing, batch)
                written += len(batch)
                bar.update(len(batch))
    except BaseException:  # Ctrl-C too
        click.echo(
            f"{written} of {staged.count} products were written. Run the import again: it writes "
            "all products of the file.",
            err=True,
        )
        raise


@command.command("verify-stock")
@click.option("--repair", is_flag=True, help="Record the differences as corrections.")
def verify_stock(repair: bool) -> None:
    """Verify that the stock of each product is the sum of its stock changes.

    Without --repair, the exit code is 1 if a product differs. Pods of version 1.0 record no stock
    changes. After an upgrade from 1.0, run this command once with --repair, which records the
    missing changes. The stock itself does not change.
    """
    with transaction() as session:
        found = stock_verification.differences(session)
    for row in found:
        click.echo(f"{row.id}: the stock is {row.stock}, the sum of its changes {row.recorded}.")
        if repair:
            with transaction() as session:
                stock_verification.repair(session, row.id)
    if found and not repair:
        raise click.ClickException(f"{len(found)} products differ. Run this with --repair.")
    click.echo(
        f"Repaired {len(found)} products." if found else "The stock of all products is right."
    )
