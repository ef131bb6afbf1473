# One job per figure: they are drawn in parallel, and a new option redraws its own figure only.
rule figure:
    input:
        lambda wildcards: expand(DIAGRAM, study=CONFIG.figures[wildcards.figure].studies),
    output:
        pdf=FIGURE.replace("{suffix}", "pdf"),
        svg=report(
            FIGURE.replace("{suffix}", "svg"),
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "{figure}"},
        ),
        png=FIGURE.replace("{suffix}", "png"),
        caption=FIGURE.replace("{suffix}", "txt"),
    log:
        "logs/figures/{figure}.log",
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 15 * attempt,
    params:
        figure=lambda wildcards: digest(CONFIG.figures[wildcards.figure]),
    message:
        "draw {wildcards.figure}"
    shell:
        "vicollapse figure {wildcards.figure} --config {CONFIG_FILE:q} > {log:q} 2>&1"
