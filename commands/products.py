"""`flask products`: the catalogue."""

from pathlib import Path

import click
from flask.cli import AppGroup

from app.cli import transaction
from services import product_import

command = AppGroup("products", help="The catalogue.")


@command.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_products(file: Path) -> None:
    """Import products from a CSV file: id, name, price, currency, stock, and maybe description.

    The file is UTF-8 with commas. The price is in minor units. Existing products are updated. If a
    line is bad, the command prints its number and imports nothing.
    """
    size = file.stat().st_size
    try:
        with (
            file.open("rb") as binary,
            click.progressbar(length=size, label="Importing") as bar,
            transaction() as session,
        ):
            count = product_import.run(session, binary, bar.update)
    except product_import.BadFileError as error:
        raise click.ClickException(f"{file}: nothing was imported.\n{error}") from error
    click.echo(f"Imported {count} products.")
