# One phase diagram per study, from all of its shards. Renewed if the points, replicates or seed asked for change,
# or the set of shards; the description is text for readers and renews nothing.
rule aggregate:
    input:
        lambda wildcards: expand(SHARD, study=wildcards.study, shard=planned(wildcards.study)),
    output:
        DIAGRAM,
    log:
        "logs/aggregate/{study}.log",
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    params:
        wanted=lambda wildcards: digest(CONFIG.studies[wildcards.study], without=["description"]),
    message:
        "aggregate {wildcards.study}: {output}"
    shell:
        "vicollapse aggregate --config {CONFIG_FILE:q} --study {wildcards.study} > {log:q} 2>&1"
