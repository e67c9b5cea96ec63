"""`python -m monitoring.benchmarks.standin`"""

from monitoring.benchmarks.standin.command_line import main

main()
