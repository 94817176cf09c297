larder_program(NAME larderd SOURCES larderd.c
  LINKS larder_commandline larder_front larder_api larder_ops larder_fleet larder_notify larder_upkeep larder_pki larder_reconcile larder_vote larder_dns larder_vault larder_store)
