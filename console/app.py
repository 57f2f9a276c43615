"""`switchboard`: the one entry point. Each command is a module of its own, imported only when it runs."""
# ruff: noqa: PLC0415 - so that `serve` does not pay for the live view, nor `--help` for Kafka

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from runtime.refusal import Refusal
from schemas.topics import Service

app = typer.Typer(
    name="switchboard",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "Takes every message that customers send, over email, chat, phone and social networks, makes each a case "
        "on Kafka, gives it to the right person, watches every promise made about it, and keeps the customer told."
    ),
    epilog="[bold]To begin with:[/] [cyan]switchboard up[/] runs everything on this machine and shows it working.",
)
topics_commands = typer.Typer(no_args_is_help=True, help="Show the registry of topics, or create them on a cluster.")
policy_commands = typer.Typer(no_args_is_help=True, help="Work on the policy file.")
agents_commands = typer.Typer(no_args_is_help=True, help="Say who the agents are.")
TRY, RUN, LOOK, OPERATE = "Try it", "Run a service", "Look inside", "Operate"
app.add_typer(topics_commands, name="topics", rich_help_panel=OPERATE)
app.add_typer(policy_commands, name="policy", rich_help_panel=OPERATE)
app.add_typer(agents_commands, name="agents", rich_help_panel=OPERATE)


def _version(wanted: bool) -> None:
    if wanted:
        from runtime.release import VERSION

        typer.echo(f"switchboard {VERSION}")
        raise typer.Exit


@app.callback()
def switchboard(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    """Nothing to do before a command."""


@app.command(rich_help_panel=RUN)
def serve(
    service: Annotated[Service, typer.Argument(help="Which service.")],
    until_eof: Annotated[
        bool, typer.Option("--until-eof", help="Also stop when standard input ends: when whoever started this dies.")
    ] = False,
) -> None:
    """Run one service, as a pod does, until SIGTERM.

    Settings come from the environment: [cyan]SWITCHBOARD_POLICY[/] (the policy file),
    [cyan]KAFKA_BOOTSTRAP_SERVERS[/], [cyan]SWITCHBOARD_PORT[/] and the others of docs/settings.md.
    Exits with 2 when a setting or the policy is wrong, and says what to change.

    Example: [green]SWITCHBOARD_POLICY=policy.yaml KAFKA_BOOTSTRAP_SERVERS=kafka:9092 switchboard serve router[/]
    """
    from console.serve import run

    run(service, until_eof=until_eof)


@app.command(rich_help_panel=TRY)
def play(
    path: Annotated[Path, typer.Argument(help="A file or a folder of inputs.", metavar="PATH")],
    desk: Annotated[str | None, typer.Option(help="Which desk; the policy's first when not given.")] = None,
    rate: Annotated[float, typer.Option(min=0.01, max=1000, help="Inputs a second.")] = 10.0,
    url: Annotated[str | None, typer.Option(help="Of ingest; SWITCHBOARD_PUBLIC_URL, or port 8080 here.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write what was answered here.")] = None,
) -> None:
    """Send recorded inputs to a running ingest, signed as their providers would sign them.

    Files are recognised by their shape: raw mail, our own chat JSON, Twilio's forms, WhatsApp Cloud JSON,
    and recordings with metadata beside them. What fits no provider that is served is named, with the reason.
    Secrets lie where the policy ([cyan]SWITCHBOARD_POLICY[/]) says; [cyan]switchboard up[/] writes them to a file.

    Example: [green]source RUN_FOLDER/env && switchboard play my-mails/ --rate 2[/]
    """
    from console.play import play as run

    run(path, desk=desk, rate=rate, url=url, json_file=json_file)


@policy_commands.command("check")
def policy_check(file: Annotated[Path, typer.Argument(help="The policy file, YAML.", metavar="FILE")]) -> None:
    """Say whether a policy is valid. If it is not: file, line, field and reason of each fault, and exit 2.

    Example: [green]switchboard policy check policy.yaml[/]
    """
    from console.policy import check

    check(file)


def main() -> None:
    """The console script. A Refusal goes to stderr in plain words; the exit code is then 2."""
    try:
        app()
    except Refusal as refusal:
        sys.stderr.write(f"{refusal}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
