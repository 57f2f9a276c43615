"""`switchboard`: the one entry point. Each command is a module of its own, imported only when it runs."""
# ruff: noqa: PLC0415 - so that `serve` does not pay for the live view, nor `--help` for Kafka

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated

import structlog
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
    _version_wanted: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    """Before every command: what libraries log is not what was asked for. Services log as pods do."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))


@app.command(rich_help_panel=TRY)
def up(
    seconds: Annotated[float | None, typer.Option("--for", min=1, help="Stop by itself after so many seconds.")] = None,
    agents: Annotated[bool, typer.Option("--agents/--no-agents", help="With simulated agents.")] = True,
    traffic: Annotated[bool, typer.Option("--traffic/--no-traffic", help="With the sample messages.")] = True,
    play: Annotated[Path | None, typer.Option(help="Send these inputs instead of the sample messages.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Keep the account of the run in this file.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the agents' choices; told at the end.")] = None,
) -> None:
    """Run everything on this machine and show it working: a real Kafka, the four services as processes,
    a desk with agents, and customers who write in three languages on four channels.

    Kafka is the one that [cyan]KAFKA_BOOTSTRAP_SERVERS[/] names, else a container, else Apache Kafka run by
    Java. Stays up until Ctrl-C, then accounts for every message. Exits with 0 only when none is lost or doubled.

    Examples: [green]switchboard up[/]
    [green]switchboard up --for 60 --json account.json[/]
    [green]switchboard up --no-agents --no-traffic[/]  (then send your own: it tells how)
    """
    from console.run import Options
    from console.up import up as run

    options = Options(seconds=seconds, agents=agents, traffic=traffic, play=play, json_file=json_file, seed=seed)
    raise typer.Exit(run(options))


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


@app.command(rich_help_panel=RUN)
def broker(
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Where it listens; a free one by default.")] = None,
) -> None:
    """Run a local Kafka in the foreground: a container, or Apache Kafka run by Java. Prints its address.

    Example: [green]switchboard broker --port 9092[/]
    """
    import asyncio

    from local.broker import run_foreground

    asyncio.run(run_foreground(port))


@app.command(rich_help_panel=LOOK)
def why(case: Annotated[str, typer.Argument(help="Its id, or the reference that the customer sees.")]) -> None:
    """Tell the story of a case: every decision about it and the reasons that counted.

    Example: [green]switchboard why AC-7K3Q9XM[/]
    """
    from console.why import why as run

    run(case)


@app.command(rich_help_panel=LOOK)
def watch(
    seconds: Annotated[float | None, typer.Option("--for", min=1, help="Stop by itself after so many seconds.")] = None,
) -> None:
    """Show a running system live, from its topics: queues, people, clocks, decisions, what customers were told.

    Example: [green]KAFKA_BOOTSTRAP_SERVERS=kafka:9092 switchboard watch[/]
    """
    from console.watch import watch as run

    run(seconds)


@topics_commands.command("show")
def topics_show() -> None:
    """Print every topic: key, partitions, how long it is kept, who writes and who reads it."""
    from console.topics import show

    show()


@topics_commands.command("apply")
def topics_apply() -> None:
    """Create the topics that are missing, and say where those that are there differ from the registry.

    A topic with another number of partitions is refused (exit 2): that cannot be changed any more.
    Example: [green]KAFKA_BOOTSTRAP_SERVERS=kafka:9092 SWITCHBOARD_REPLICATION=3 switchboard topics apply[/]
    """
    from console.topics import apply

    apply()


@agents_commands.command("apply")
def agents_apply(file: Annotated[Path, typer.Argument(help="The roster, YAML.", metavar="FILE")]) -> None:
    """Publish a roster: who the agents of a desk are, what they can do, how much at a time.

    local/sample/agents.yaml is an example, with every field explained.
    Example: [green]switchboard agents apply agents.yaml[/]
    """
    from console.agents import apply

    apply(file)


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
        app(prog_name="switchboard")
    except Refusal as refusal:
        sys.stderr.write(f"{refusal}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
