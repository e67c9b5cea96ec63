"""`python -m monitoring.lab.ollama_simulator`"""

from monitoring.lab.ollama_simulator.command_line import main

main()
