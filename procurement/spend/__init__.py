"""What was spent, on whose budget, and when somebody must be told: pure rules of spend.yml and budgets.yml."""
